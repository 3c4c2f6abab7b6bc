from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "trygg.accounts"

    def ready(self) -> None:
        from trygg.accounts import checks  # noqa: F401  (registers them)
