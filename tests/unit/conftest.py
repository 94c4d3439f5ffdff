from __future__ import annotations

import pytest


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting comes from whoever runs the tests."""
    import settings

    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
