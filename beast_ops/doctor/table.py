# SPDX-License-Identifier: Apache-2.0
"""Every diagnosis there is; `docs/reference/doctor.md` is printed from it."""

from .model import Check

DEPLOY = "Run: ./beast deploy"
FIX = "Run: ./beast doctor --fix"
LOGS = "Read what it wrote: ./beast logs SERVICE"

LOOK_FAILED = Check(
    "BEAST-D001",
    "A look could not be made",
    "Something hangs, may not be read, or is damaged in a way nobody thought of.",
    "See what it names; run it again as the user the installation belongs to.",
)
NO_RELEASE = Check(
    "BEAST-D101",
    "No release is in force",
    "Nothing was deployed here, the first deploy failed, or this is not the root you mean.",
    DEPLOY,
)
RECORD_LOST = Check(
    "BEAST-D102",
    "The record of the release is lost",
    "A file of the release was removed or damaged; its contents are not known any more.",
    DEPLOY,
)
FILE_EDITED = Check(
    "BEAST-D103",
    "A file of the release was edited or is missing",
    "Somebody changed by hand what a deploy wrote; services may run with something else.",
    "Put what you want into the inventory, then run: ./beast deploy",
)
ENVIRONMENT = Check(
    "BEAST-D104",
    "The environment of the release is not whole",
    "Its folder below venv/ was removed, or was never finished.",
    DEPLOY,
)
MASTER_KEY = Check(
    "BEAST-D201",
    "The master key is missing or damaged",
    "It was removed, cut short, or restored from a copy that was not whole.",
    "Put secrets/master.key back from your copy; a new one makes encrypted data unreadable.",
)
OPEN_SECRETS = Check(
    "BEAST-D202",
    "Secrets are open to other users",
    "Their mode was changed, by hand or by a tool that copied them.",
    FIX,
    fixable=True,
)
VERSIONS = Check(
    "BEAST-D203",
    "The versions of secrets are damaged",
    "The file secrets/versions was edited, or its disk lost a part of it.",
    "Correct the line it names: owner/name, a space, the version.",
)
SECRET_FILE = Check(
    "BEAST-D204",
    "A secret is not what its reader needs",
    "Its file was removed, edited, or given another mode or owner.",
    FIX,
    fixable=True,
)
STOPPED = Check(
    "BEAST-D301",
    "A service does not run",
    "It was stopped by hand, or the machine was started and it was not.",
    FIX,
    fixable=True,
)
CRASHED = Check(
    "BEAST-D302",
    "A service crashes",
    "It ends as soon as it is started; the last line it wrote says why.",
    LOGS,
)
ALTERED = Check(
    "BEAST-D303",
    "A service runs otherwise than described",
    "Its container was made by hand, or by a deploy that was interrupted.",
    DEPLOY,
)
FOREIGN_PORT = Check(
    "BEAST-D304",
    "Another program holds the port of a service",
    "It was started while the service did not run.",
    "End that program, or choose another port: ./beast deploy --set ROLE_port=NUMBER",
)
ORPHANS = Check(
    "BEAST-D305",
    "Nobody looks after the processes",
    "supervisord ended without them, and left its socket or what it ran.",
    FIX,
    fixable=True,
)
UNWELL = Check(
    "BEAST-D306",
    "A service runs and does not do its work",
    "It waits for another one, lacks a right, or its data is damaged.",
    LOGS,
)
PARTLY = Check(
    "BEAST-D307",
    "A service does only a part of its work",
    "It lacks a model that the release names, or something it can do without.",
    "See what it lacks: ./beast health; a deploy fetches models: ./beast deploy",
    "warning",
)
DISK = Check(
    "BEAST-D401",
    "The disk is nearly full",
    "Models, data, images or logs grew; databases stop writing when nothing is left.",
    "Make room, or put the installation on a larger disk.",
)
INODES = Check(
    "BEAST-D402",
    "The file system has hardly any inodes left",
    "Very many small files; df shows room, and still no file can be made.",
    "Remove small files, see df -i, or put the installation on another file system.",
)
DATA_OWNER = Check(
    "BEAST-D403",
    "A data folder belongs to the wrong user",
    "It was restored or copied by another user; its service cannot write there.",
    FIX,
    fixable=True,
)
LEFTOVER = Check(
    "BEAST-D404",
    "Something unfinished is left",
    "An operation was killed between two steps; what it was writing is of no use.",
    FIX,
    "warning",
    fixable=True,
)
LEASE = Check(
    "BEAST-D405",
    "An operation holds the installation for very long",
    "It waits for something, or its terminal was closed while it asked.",
    "See whether the process it names still works; end it if it does not.",
    "warning",
)
ENGINE = Check(
    "BEAST-D501",
    "Docker Engine does not answer",
    "It does not run, or this user may not speak to it.",
    "Start it: systemctl start docker",
)
DOCKER_OLD = Check(
    "BEAST-D502",
    "Docker is too old, or Compose is missing",
    "The engine or the Compose plugin was removed, or put back to an older version.",
    "Upgrade it the way it was installed.",
)
KNOWN_BAD = Check(
    "BEAST-D503",
    "These versions do not work together",
    "One of them was upgraded alone.",
    "Take the version it names.",
)
CERTIFICATE = Check(
    "BEAST-D601",
    "The certificate of the front door has ended, or will soon",
    "Nothing was deployed for long: a deploy renews it.",
    DEPLOY,
)
BACKUP = Check(
    "BEAST-D701",
    "There is no backup that is young enough",
    "None was made, the last ones failed, or their timer does not run.",
    "Make one, and see ./beast history --operation backup",
    "warning",
)
DRILL = Check(
    "BEAST-D702",
    "Nobody has proven for long that a backup can be restored",
    "No drill succeeded in the last eight days.",
    "Run a drill, and see ./beast history --operation drill",
    "warning",
)
LONG = Check(
    "BEAST-D801",
    "Many passages are longer than their embedding model reads at once",
    "The model reads less than a chunk has. Nothing is lost: such a passage is embedded in pieces,"
    " and found by the mean of them; but what is said once in it weighs less.",
    "Make chunks shorter: ./beast deploy --set beast_worker_chunk_characters=800; or choose a"
    " model that reads more: ./beast reembed COLLECTION --model MODEL",
    "warning",
)
GPU_MISMATCH = Check(
    "BEAST-D901",
    "The driver of the GPU and its library are of different versions",
    "The driver was upgraded, by hand or by itself, and the kernel still has the one before.",
    "Start the machine anew. To keep it from coming again, hold the packages of the driver:"
    " apt-mark hold, or a Package-Blacklist of unattended-upgrades.",
)
GPU_LOST = Check(
    "BEAST-D902",
    "A GPU is lost",
    "It fell off the bus: heat, power, a bad slot, or a fault of the driver; see dmesg for Xid.",
    "Start the machine anew; if it comes again, look at its power, its slot and its temperature.",
)
GPU_HANGS = Check(
    "BEAST-D903",
    "The driver of the GPU does not answer",
    "A GPU is about to be lost, or nobody keeps the driver loaded and it starts very slowly.",
    "Keep it loaded: systemctl enable --now nvidia-persistenced; if it hangs still, start the"
    " machine anew.",
)
GPU_DRIVER = Check(
    "BEAST-D904",
    "There is a GPU, and its driver is not loaded",
    "A new kernel was started for which the driver was not built, or it was never installed.",
    "See: dkms status; install the driver for this kernel, or give the card to vfio-pci if it is"
    " for a guest.",
    "warning",
)
GPU_FAILED = Check(
    "BEAST-D905",
    "The driver of the GPU refuses to tell anything",
    "It was damaged, may not be asked by this user, or has run into a fault of its own.",
    "See: nvidia-smi, and dmesg for NVRM.",
)
GPU_CUT_OFF = Check(
    "BEAST-D906",
    "A container has lost its GPU",
    "systemd reloaded its units and took the devices of containers away, as it does where it"
    " keeps their groups.",
    "Make the container anew: ./beast doctor --fix. To keep it from coming again, let Docker keep"
    ' the groups itself, with "exec-opts": ["native.cgroupdriver=cgroupfs"] in'
    " /etc/docker/daemon.json, as a deploy writes it where it looks after Docker.",
    fixable=True,
)
GPU_FALLBACK = Check(
    "BEAST-D907",
    "A model runs on the CPU, and the model server claims a GPU",
    "The GPU was lost while the model was loaded, or the server could not load what uses it.",
    "Start the model server anew: ./beast restart SERVICE, or systemctl restart ollama where it"
    " runs on the host; its log says what it found.",
)
GPU_SLOW = Check(
    "BEAST-D908",
    "A model answers much more slowly than it used to",
    "It fell back to the CPU, or something else works on the GPU, or it is too warm.",
    "See what works there: ./beast gpu; then start the model server anew.",
    "warning",
)
GPU_ON_CPU = Check(
    "BEAST-D909",
    "A model runs on the CPU, though there is a GPU",
    "There was no room when it was loaded, or containers were not given the GPU at the last"
    " deploy.",
    "See what fits: ./beast fit; a deploy gives containers the GPU: ./beast deploy",
    "warning",
)
GPU_ORPHANS = Check(
    "BEAST-D910",
    "Memory of a GPU is held by what nobody uses",
    "A process of the model server outlived it, or another model server runs here.",
    "See whose process it is, and end it if it is nobody's.",
    "warning",
)

CHECKS = {each.id: each for each in list(globals().values()) if isinstance(each, Check)}
