"""The schema of the engine's tables in the hub's database, as numbered migrations (2xx).

Owns the tables ``work``, ``work_steps`` and ``outbox``. A migration that has been released is never edited. Refuses to
know what the work is about.
"""

from __future__ import annotations

from streamhub.store.migration import Migration

_WORK = """
create table work (
    workflow_id text primary key,
    kind text not null,
    key text not null,
    parent_id text not null,
    state text not null check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    message text not null,
    due_at text,
    created_at text not null,
    updated_at text not null,
    ended_at text
) strict;
create index work_by_update on work (updated_at);
create index work_by_parent on work (parent_id) where parent_id <> '';
create table work_steps (
    workflow_id text not null references work (workflow_id) on delete cascade,
    step text not null,
    turn integer not null,
    state text not null check (
        state in ('running', 'waiting', 'interrupted', 'held', 'done', 'skipped', 'failed', 'cancelled')
    ),
    attempts integer not null check (attempts >= 0),
    message text not null,
    result text,
    started_at text not null,
    ended_at text,
    primary key (workflow_id, step)
) strict;
create index work_steps_held on work_steps (workflow_id) where state = 'held';
create table outbox (
    id integer primary key,
    kind text not null,
    key text not null,
    args text not null,
    due_at text,
    message text not null,
    created_at text not null,
    sent_at text,
    unique (kind, key)
) strict;
create index outbox_unsent on outbox (id) where sent_at is null;
"""

WORK_MIGRATIONS = (Migration(number=201, name="work, its steps and the outbox", sql=_WORK),)
