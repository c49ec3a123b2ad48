"""Secrets: opaque until they are revealed, so that they can be passed around."""

from wit_world.imports import secrets

from ._host import host_call


class Secret:
    """A secret that has not been looked at."""

    def __init__(self, inner: secrets.Secret) -> None:
        self._inner = inner

    def reveal(self) -> str | bytes:
        """The value."""
        with host_call():
            return self._inner.reveal().value

    @property
    def version(self) -> str:
        """The id of this version."""
        return self._inner.version()

    @property
    def stages(self) -> list[str]:
        """The staging labels of this version."""
        return self._inner.stages()


def get(name: str, *, version: str | None = None, stage: str | None = None) -> Secret:
    """Find a secret by its name or ARN."""
    which = None
    if version is not None:
        which = secrets.Selector_Version(version)
    elif stage is not None:
        which = secrets.Selector_Stage(stage)
    with host_call():
        return Secret(secrets.get(name, which))


def refresh(name: str) -> Secret:
    """The version that counts now; the cloud is asked first, if the secret is from there."""
    with host_call():
        return Secret(secrets.refresh(name, None))
