from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "trygg.config"
