"""Settings: one TOML file, environment and `.env` over it, flags over both, and where each value came from."""

from distill_core.config.layers import Effective, Layer, Value, config_path, home_path, load_settings
from distill_core.config.roles import Models, choose_models, models_with
from distill_core.config.settings import ModelProfile, Settings

__all__ = [
    "Effective",
    "Layer",
    "ModelProfile",
    "Models",
    "Settings",
    "Value",
    "choose_models",
    "config_path",
    "home_path",
    "load_settings",
    "models_with",
]
