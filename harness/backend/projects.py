"""Projects: what a user's runs belong to."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import insert, select

from .store import PROJECTS, Store


class Projects:
    """Makes and finds projects."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, user_id: UUID) -> UUID:
        """A new project of a user who exists."""
        project_id = uuid4()
        async with self._store.begin() as tx:
            await tx.execute(insert(PROJECTS).values(id=project_id, user_id=user_id))
        return project_id

    async def owner(self, project_id: UUID) -> UUID | None:
        """Whose project it is; None where there is none."""
        async with self._store.begin() as tx:
            owner: UUID | None = (
                await tx.execute(select(PROJECTS.c.user_id).where(PROJECTS.c.id == project_id))
            ).scalar_one_or_none()
        return owner
