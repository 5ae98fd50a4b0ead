/* SPDX-License-Identifier: Apache-2.0
 *
 * A library that answers as NVIDIA's does, from a file of lines "name=value" that is read when it
 * is prepared. Functions, structures and codes are those of the NVML API Reference Manual.
 *
 *   init=18            what nvmlInit_v2 returns        hang=nvmlDeviceGetMemoryInfo  never returns
 *   slow=2             seconds that nvmlInit_v2 takes  crash=1                       ends the process
 *   driver=570.86.15   the version                     count=2                       how many devices
 *   0.handle=15        what asking for device 0 returns; likewise memory, busy, celsius, mig, list
 *   0.name=…  0.total=…  0.used=…  0.gpu=…  0.degrees=…  0.divided=1
 *   0.process=4711:8000000000  may be repeated; "-" for bytes that the driver does not know
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 256
#define TEXT 400

struct device { int index; };
static struct device devices[MOST];
static char names[MOST][TEXT], values[MOST][TEXT];
static int lines;

static const char *said(const char *name, const char *otherwise) {
    for (int i = 0; i < lines; i++)
        if (!strcmp(names[i], name)) return values[i];
    return otherwise;
}

static long number(const char *name, long otherwise) {
    const char *found = said(name, NULL);
    return found ? atol(found) : otherwise;
}

static const char *of(struct device *device, const char *name, const char *otherwise) {
    char whole[TEXT];
    snprintf(whole, sizeof whole, "%d.%s", device->index, name);
    return said(whole, otherwise);
}

static int begun(const char *call) {
    while (!strcmp(said("hang", ""), call)) pause();
    return 0;
}

static int code(struct device *device, const char *call, const char *what) {
    begun(call);
    return atoi(of(device, what, "0"));
}

static int write_text(char *room, unsigned size, const char *text) {
    if (strlen(text) + 1 > size) return 7;
    strcpy(room, text);
    return 0;
}

int nvmlInit_v2(void) {
    char line[TEXT];
    FILE *file = fopen(CONFIG, "r");
    lines = 0;
    while (file && lines < MOST && fgets(line, sizeof line, file)) {
        char *value = strchr(line, '=');
        if (!value) continue;
        *value++ = 0;
        value[strcspn(value, "\n")] = 0;
        strcpy(names[lines], line);
        strcpy(values[lines++], value);
    }
    if (file) fclose(file);
    if (number("crash", 0)) abort();
    sleep((unsigned)number("slow", 0));
    begun("nvmlInit_v2");
    return (int)number("init", 0);
}

int nvmlSystemGetDriverVersion(char *room, unsigned size) {
    return write_text(room, size, said("driver", "570.86.15"));
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = (unsigned)number("count", 0);
    return (int)number("counting", 0);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **device) {
    devices[index].index = (int)index;
    int found = code(&devices[index], "nvmlDeviceGetHandleByIndex_v2", "handle");
    if (!found) *device = &devices[index];
    return found;
}

int nvmlDeviceGetName(struct device *device, char *room, unsigned size) {
    return write_text(room, size, of(device, "name", "NVIDIA Fake"));
}

int nvmlDeviceGetUUID(struct device *device, char *room, unsigned size) {
    char plain[TEXT];
    snprintf(plain, sizeof plain, "GPU-00000000-0000-0000-0000-%012d", device->index);
    return write_text(room, size, of(device, "uuid", plain));
}

struct memory { unsigned long long total, free, used; };

int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *memory) {
    memory->total = strtoull(of(device, "total", "25757220864"), NULL, 10);
    memory->used = strtoull(of(device, "used", "0"), NULL, 10);
    memory->free = memory->total - memory->used;
    return code(device, "nvmlDeviceGetMemoryInfo", "memory");
}

struct bus { char legacy[16]; unsigned domain, bus, device, id, subsystem; char name[32]; };

int nvmlDeviceGetPciInfo_v3(struct device *device, struct bus *bus) {
    memset(bus, 0, sizeof *bus);
    bus->bus = (unsigned)device->index + 1;
    return 0;
}

struct busy { unsigned gpu, memory; };

int nvmlDeviceGetUtilizationRates(struct device *device, struct busy *busy) {
    busy->gpu = (unsigned)atoi(of(device, "gpu", "0"));
    return code(device, "nvmlDeviceGetUtilizationRates", "busy");
}

int nvmlDeviceGetTemperature(struct device *device, int sensor, unsigned *celsius) {
    if (sensor) return 2;
    *celsius = (unsigned)atoi(of(device, "degrees", "40"));
    return code(device, "nvmlDeviceGetTemperature", "celsius");
}

int nvmlDeviceGetMigMode(struct device *device, unsigned *mode, unsigned *pending) {
    *mode = *pending = (unsigned)atoi(of(device, "divided", "0"));
    return code(device, "nvmlDeviceGetMigMode", "mig");
}

struct process {
    unsigned pid;
    unsigned long long used;
#ifndef OLD
    unsigned instance, compute;
#endif
};

static int list(struct device *device, unsigned *count, struct process *room) {
    char wanted[TEXT];
    unsigned found = 0;
    snprintf(wanted, sizeof wanted, "%d.process", device->index);
    for (int i = 0; i < lines; i++) {
        if (strcmp(names[i], wanted)) continue;
        if (found == *count) return 7;
        char *bytes = strchr(values[i], ':');
        memset(&room[found], 0, sizeof *room);
        room[found].pid = (unsigned)atoi(values[i]);
        room[found++].used = bytes[1] == '-' ? ~0ULL : strtoull(bytes + 1, NULL, 10);
    }
    *count = found;
    return code(device, "list", "list");
}

#ifdef OLD
int nvmlDeviceGetComputeRunningProcesses(struct device *d, unsigned *n, struct process *p) {
    return list(d, n, p);
}
int nvmlDeviceGetGraphicsRunningProcesses(struct device *d, unsigned *n, struct process *p) {
    return list(d, n, p);
}
#else
int nvmlDeviceGetComputeRunningProcesses_v3(struct device *d, unsigned *n, struct process *p) {
    return list(d, n, p);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(struct device *d, unsigned *n, struct process *p) {
    return list(d, n, p);
}
#endif
