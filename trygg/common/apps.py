from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "trygg.common"
