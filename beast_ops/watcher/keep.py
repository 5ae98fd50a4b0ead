# SPDX-License-Identifier: Apache-2.0
"""Keep every declared folder in step, each in a thread of its own."""

import logging
import threading
from contextlib import suppress

from beast_ops.clock import SYSTEM
from beast_ops.ingest.watching import Keeping, Told, WatchTask, words
from beast_ops.place import Place
from beast_ops.watch import WatchOptions
from beast_ops.watch.watcher import PLAINLY

from .settings import WatchedFolder, WatcherSettings
from .state import State, write

END_SECONDS = 8.0
REPORT_SECONDS = 30.0

log = logging.getLogger(__name__)


class Keepers:
    """One for each folder."""

    def __init__(
        self, place: Place, settings: WatcherSettings, watch: WatchOptions = PLAINLY
    ) -> None:
        """Keep what *settings* name in step at *place*, watching as *watch* says."""
        self._place, self._settings, self._watch = place, settings, watch
        self._stopping = threading.Event()
        self._failed: list[BaseException] = []
        self._keeping: dict[str, Keeping] = {}

    def stop(self) -> None:
        """End soon. May be called by a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Work until told to stop.

        Raises:
            BeastError: If one of them cannot even begin.
        """
        threads = [
            threading.Thread(target=self._keep, args=(each,), daemon=True, name=each.folder)
            for each in self._settings.folders
        ]
        for thread in threads:
            thread.start()
        self._report()
        while not self._stopping.wait(REPORT_SECONDS):
            self._report()
        for thread in threads:
            thread.join(END_SECONDS / len(threads))
        if self._failed:
            raise self._failed[0]

    def _report(self) -> None:
        keeping = list(self._keeping.items())
        troubles = {folder: each.trouble for folder, each in keeping if each.trouble}
        count = len(self._settings.folders)
        with suppress(OSError):  # a full disk is told by others
            now = State(seen=SYSTEM.now(), folders=count, troubles=troubles)
            write(self._place.run, now)

    def _keep(self, each: WatchedFolder) -> None:
        # Who may put files there may not be who may read what they lead to.
        task = WatchTask([each.folder], each.options(), self._watch, inside=True)
        try:
            self._keeping[each.folder] = Keeping(self._place, task, _tell)
            self._keeping[each.folder].run(self._stopping.is_set)
        except BaseException as failed:  # noqa: BLE001 - raised where the process ends
            self._failed.append(failed)
            self._stopping.set()


def _tell(told: Told) -> None:
    for text in words(told):
        log.info("%s", text)
