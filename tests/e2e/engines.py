"""Which end-to-end tests are about one engine. Every other one runs on both: ctest has each file as e2e.NAME, with its stores in
SQLite, and as e2e.NAME.postgresql. tests/lint/check_engines.py holds this list against the files and against ctest's."""

from __future__ import annotations

BAD_STORE = "its faults are put into SQLite's library"
BAD_DISK = "the disk that fails is the store's; a server has its own"
BACKUP = "the copy is a file: PostgreSQL has tools of its own for that"

# A file, or a test of it: why it has its store in SQLite.
ONLY_SQLITE = {
    "test_restore.py": BACKUP,
    "test_procedures.py::test_a_backup_is_a_whole_private_file": BACKUP,
    "test_procedures.py::test_only_the_newest_backups_stay_and_nothing_else_is_touched": BACKUP,
    "test_procedures.py::test_a_backup_that_cannot_be_written_says_so": BACKUP,
    "test_personal_data.py::test_the_erased_bytes_are_not_in_the_file_any_more": BACKUP,
    "test_assembly.py::test_a_worker_that_cannot_write_says_so_and_is_replaced": "what it cannot write is the store's file",
    "test_mail.py::test_a_monitor_that_is_killed_between_alert_and_mail_mails_in_its_next_pass": BAD_STORE,
    "test_erp_troubles.py::test_a_store_that_fails_acknowledges_nothing": BAD_DISK,
    "test_probe.py::test_a_store_that_keeps_nothing_is_noticed_by_our_question": BAD_DISK,
    "test_faults.py::test_a_bad_disk_refuses_orders_and_loses_none": BAD_DISK,
    "test_faults.py::test_a_statement_that_meets_a_busy_store_is_run_again": BAD_STORE,
    "test_faults.py::test_a_message_that_kills_the_processor_is_put_apart": BAD_STORE,
    "test_faults.py::test_a_reader_that_stays_for_long_stops_nobody": "the log that grows is SQLite's",
    "test_scheduler_faults.py::test_the_scheduler_outlives_a_store_that_cannot_be_written": BAD_DISK,
    "test_scheduler_faults.py::test_a_run_that_ends_while_the_store_is_away_gets_its_end_afterwards": BAD_DISK,
    "test_full_statements.py": BAD_STORE,
    "test_telegram.py::test_a_clock_that_is_set_by_two_hours_keeps_no_message_waiting":
        "the clock of the store is set, which is a server's own",
    "test_up.py::test_health_fails_while_the_store_is_away": "the store is away because its file is renamed",
    "test_up.py::test_the_demo_plays_orders_and_leaves_nothing": "a demonstration has no configuration, so it has a file",
}
# They start the servers they need, whatever the others use.
OWN_SERVER = {
    "test_full_hosts.py": "five machines, one of them the database's",
    "test_hosts.py": "several machines, one of them the database's",
    "test_full_failover.py": "a primary and its standby, one of which dies",
    "test_pooler.py": "a server behind a pooler, both of which die",
    "test_postgres.py": "about what is said of a server, and what happens when it dies",
    "test_schemas.py": "holds both schemas against each other",
    "test_store_move.py": "moves a store from one engine to the other",
}


def runs_here(file: str, test: str, on_server: bool) -> bool:
    """The name of a test is without its parameters."""
    if file in OWN_SERVER:
        return not on_server
    return not on_server or not {file, f"{file}::{test}"} & ONLY_SQLITE.keys()
