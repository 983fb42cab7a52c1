"""What can go wrong at a provider, named by whose move it is.

    ProviderError
    ├── Rejected        user        the request is not acceptable; changing it helps
    │   └── Blocked     user        moderation refused the prompt, an input or the result
    ├── Misconfigured   admin       key, permission, balance or base URL
    │   └── NotInstalled admin      the credential works; what this request needs is not there
    ├── Throttled       wait        too many requests; nothing was accepted
    ├── Unreachable     wait        no connection or a 5xx; nothing was accepted
    ├── Broke           wait        the provider accepted the job and failed at it; a new attempt may pass
    ├── Ambiguous       reconcile   the request was sent and its answer lost: it may have been accepted
    └── Drifted         maintainer  the answer is not what this adapter was written for

An adapter raises them; `generation/failure.py` alone decides what follows.
"""


class ProviderError(Exception):
    """Base of all; `message` is one plain English sentence of ours, `vendor_message` the provider's own words.

    The provider's words are untrusted text: shown as text, bounded to 500 characters, never as markup.
    """

    def __init__(
        self, message: str, *, vendor_message: str | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.vendor_message = vendor_message[:500] if vendor_message else None
        self.retry_after_seconds = retry_after_seconds


class Rejected(ProviderError):
    """The provider will not do this request; repeating it will not help."""


class Blocked(Rejected):
    """Moderation refused it."""


class Misconfigured(ProviderError):
    """The credential does not work: key, permission, balance, base URL."""


class NotInstalled(Misconfigured):
    """The credential works, and the provider's server lacks what this request needs: a model's file, an extension.

    Another credential may have it; requests for other things may go on with this one.
    """


class Throttled(ProviderError):
    """Refused for now and certainly not accepted; `retry_after_seconds` when the provider said so."""


class Unreachable(ProviderError):
    """No answer, and certainly nothing accepted (or the call was a harmless question)."""


class Broke(ProviderError):
    """The job was accepted and the provider failed at it, or no longer knows it.

    `again` says whether a new attempt may pass.
    """

    def __init__(
        self,
        message: str,
        *,
        vendor_message: str | None = None,
        retry_after_seconds: float | None = None,
        again: bool = True,
    ) -> None:
        super().__init__(message, vendor_message=vendor_message, retry_after_seconds=retry_after_seconds)
        self.again = again


class Ambiguous(ProviderError):
    """The submit was sent and the answer was lost; it must not be sent again blindly."""


class Drifted(ProviderError):
    """The provider's answer has an unknown shape."""
