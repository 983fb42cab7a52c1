"""Every way Kling can be made to fail."""

from __future__ import annotations

from .faults import FaultKind, job_word, wire_words, words

FAULTS = (
    *wire_words(),
    *words(
        "fail", "fail-once", "nsfw", "slow", "queue", "never", "forget", "unknown-status", "drift", "empty-output",
        "404-output", "expire", "partial", "garbage-image", "html-image", "truncated-image", "huge-output",
        "ssrf-output", "redirect-output", "webhook-early", "webhook-duplicate", "webhook-forged", "webhook-stale",
        "webhook-late", "webhook-lost",
    ),
    FaultKind("code", ("submit", "status", "result", "probe"), "Kling's error of this number.", "code (1303)"),
    FaultKind("accepted-500", ("submit",), "The job is accepted, and the answer is 500 with code 5000."),
    FaultKind("accepted-504", ("submit",), "The job is accepted, and the answer is 504 with code 5002."),
    FaultKind("no-face", ("upload",), "identify-face finds nobody; armed, not written into a prompt."),
    job_word("same-reference-first", "An external_task_id used again answers with the first job instead of 1201."),
    job_word("same-reference-new", "An external_task_id used again makes a second job instead of 1201."),
    job_word("webhook-out-of-order", "After the last callback, an earlier one arrives again."),
)  # fmt: skip
