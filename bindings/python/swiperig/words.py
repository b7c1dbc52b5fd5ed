"""The words of cases and verdicts as types, so that an editor completes them and mypy finds a misspelt one. The
compiled half has the same words and the last say."""

from typing import Literal

#: Moments of a sale at which a step may act; `swiperig list milestones` says what each means.
Milestone = Literal[
    "start", "card_wanted", "card_read", "read_error", "pin_wanted", "connected", "refused", "unreached", "closed",
    "tls_failed", "garbage", "logon_entered", "logon_left", "logon_response_entered", "logon_response_left",
    "request_entered", "request_left", "request_at_host", "committed", "unmatched", "issuer_reversed", "host_died",
    "host_restarted", "response_entered", "response_left", "reversal_entered", "reversal_left",
    "reversal_response_entered", "reversal_response_left", "settlement_entered", "settlement_left",
    "settlement_response_entered", "settlement_response_left", "upload_entered", "upload_left",
    "upload_response_entered", "upload_response_left", "other_entered", "other_left", "told", "over_limit",
    "served", "gave_up", "settled", "printed", "printer_failed", "chip_failed", "chip_refused", "storage_failed",
    "clock_lost", "tampered", "last_result", "reference", "looked_up", "booted", "idle", "silence",
]

#: What can be done to the network; `swiperig list network`.
NetworkFault = Literal[
    "drop", "delay", "outage", "fin", "reset", "cut", "duplicate", "reorder", "alter", "replay", "jitter", "rate",
    "unanswered", "refused", "unresolved", "accept_reset", "accept_slow", "cut_after",
]

#: What the acquirer's host can be told to do; `swiperig list behaviours`.
HostBehaviour = Literal[
    "normal", "slow", "silent", "commit_silent", "reset", "decline", "truncated", "wrong_mac", "late",
    "forged_unsigned", "forged_mac", "forged_stan", "forged_amount", "forged_terminal", "replayed", "duplicated",
    "reordered", "wrong_mti", "damaged", "wrong_clock", "fee", "policy", "issuer_silent", "issuer_late",
    "die_before_commit", "die_after_commit", "refuse", "maintenance", "unknown_merchant", "unknown_terminal",
]

#: Parts of the terminal; `swiperig list parts` says which states each has.
Part = Literal[
    "app", "chip", "clock", "display", "ecr_link", "keypad", "keys", "os", "printer", "storage", "watchdog", "all",
]

#: States of the terminal's parts.
PartState = Literal[
    "crash", "hang", "good", "mute", "read_error", "refuses", "lost", "dark", "unplugged", "swallows", "noisy",
    "dead", "bouncing", "stuck", "mismatch", "erased", "out_of_paper", "cover_open", "head_hot", "full",
    "read_only", "torn_write", "off", "sound",
]

#: Why nothing came back; `swiperig list causes`. `unclaimed`: a case that leaves it open.
Cause = Literal[
    "none", "card_reader", "operator_swipe", "keypad", "display", "printer", "ecr_link", "chip", "os_crash",
    "app_crash", "app_hang", "database", "network", "host_down", "host_slow", "wrong_amount", "wrong_pin", "policy",
    "forged", "power", "clock", "setup", "fallback", "funds", "rig_fault", "unknown", "unclaimed",
]

#: What a case can be beside a sale.
Kind = Literal[
    "sale", "void", "refund", "preauth", "preauth_cancel", "completion", "completion_cancel", "completion_advice",
    "balance", "offline_sale", "tip", "adjustment", "status_query", "parameters", "update",
]

#: What `alter` changes in a message.
Alteration = Literal[
    "mac", "stan", "amount", "terminal", "mti", "code", "totals", "bit",
]

#: How a cycle can end.
Outcome = Literal[
    "pass", "inconclusive", "fail", "error",
]
