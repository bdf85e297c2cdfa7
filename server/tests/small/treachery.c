/* A page cache that forgets: preloaded under a process, it keeps what is written to the files of
 * $TREACHERY_DIR to itself until they are synced. When the process is killed, what was not synced
 * is gone, but for some sectors here and there that had been written early: torn, and out of order.
 *
 * With $TREACHERY_LIES set, syncs of segments (*.seg) answer well and do nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define FILES_MAX 4096

/* One write that is not on the disk. */
struct pending {
    struct pending *next;
    off_t at;
    size_t size;
    unsigned char bytes[];
};

/* The writes of one file, oldest first. */
struct file {
    dev_t device;
    ino_t inode;
    struct pending *first, **last;
};

static struct file files[FILES_MAX];
static size_t file_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t chance;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void begin(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_pread = dlsym(RTLD_NEXT, "pread64");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    chance = (uint64_t)getpid() * 0x9e3779b97f4a7c15u + 1;
}

static unsigned below(unsigned end) {
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (unsigned)(chance % end);
}

/* The path of `fd` when it lies in the directory; false for everything else. */
static int path_of(int fd, char path[PATH_MAX]) {
    const char *directory = getenv("TREACHERY_DIR");
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (!directory || size < 0) return 0;
    path[size] = 0;
    return strncmp(path, directory, strlen(directory)) == 0;
}

/* The writes kept for `fd`; NULL when it is none of ours. Call with the lock held. */
static struct file *file_of(int fd, int make) {
    char path[PATH_MAX];
    struct stat stat;
    if (!path_of(fd, path) || fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) return NULL;
    for (size_t i = 0; i < file_count; i++)
        if (files[i].device == stat.st_dev && files[i].inode == stat.st_ino) return &files[i];
    if (!make || file_count == FILES_MAX) return NULL;
    struct file *file = &files[file_count++];
    *file = (struct file){.device = stat.st_dev, .inode = stat.st_ino, .first = NULL};
    file->last = &file->first;
    return file;
}

static void write_all(int fd, const unsigned char *bytes, size_t size, off_t at) {
    while (size > 0) {
        ssize_t done = real_pwrite(fd, bytes, size, at);
        if (done <= 0) return;
        bytes += done, size -= (size_t)done, at += done;
    }
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) {
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd, 1);
    if (!file) {
        pthread_mutex_unlock(&lock);
        return real_pwrite(fd, bytes, size, at);
    }
    struct pending *kept = malloc(sizeof *kept + size);
    if (!kept) abort();
    *kept = (struct pending){.next = NULL, .at = at, .size = size};
    memcpy(kept->bytes, bytes, size);
    *file->last = kept;
    file->last = &kept->next;
    /* Some sectors go early, as the system pleases. */
    for (unsigned n = below(3); n > 0 && size > SECTOR; n--) {
        size_t from = below((unsigned)(size / SECTOR)) * SECTOR;
        size_t part = size - from < SECTOR ? size - from : SECTOR;
        write_all(fd, kept->bytes + from, part, at + (off_t)from);
    }
    pthread_mutex_unlock(&lock);
    return (ssize_t)size;
}

ssize_t pread64(int fd, void *bytes, size_t size, off_t at) {
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd, 0);
    ssize_t done = real_pread(fd, bytes, size, at);
    if (!file || done < 0) {
        pthread_mutex_unlock(&lock);
        return done;
    }
    memset((unsigned char *)bytes + done, 0, size - (size_t)done);
    for (struct pending *kept = file->first; kept; kept = kept->next) {
        off_t from = kept->at > at ? kept->at : at;
        off_t to = kept->at + (off_t)kept->size;
        if (to > at + (off_t)size) to = at + (off_t)size;
        if (from >= to) continue;
        memcpy((unsigned char *)bytes + (from - at), kept->bytes + (from - kept->at), (size_t)(to - from));
        if (to - at > done) done = (ssize_t)(to - at);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

static int sync_file(int fd, int (*really)(int)) {
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd, 0);
    if (file && getenv("TREACHERY_LIES") && path_of(fd, path) && strstr(path, ".seg")) {
        pthread_mutex_unlock(&lock);
        return 0;
    }
    while (file && file->first) {
        struct pending *kept = file->first;
        write_all(fd, kept->bytes, kept->size, kept->at);
        file->first = kept->next;
        free(kept);
    }
    if (file) file->last = &file->first;
    pthread_mutex_unlock(&lock);
    return really(fd);
}

int fdatasync(int fd) { return sync_file(fd, real_fdatasync); }
int fsync(int fd) { return sync_file(fd, real_fsync); }

/* Lengths take effect at once; what lies beyond a cut is forgotten. */
int ftruncate64(int fd, off_t length) {
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd, 0);
    struct pending **link = file ? &file->first : NULL;
    while (link && *link) {
        struct pending *kept = *link;
        if (kept->at + (off_t)kept->size > length && kept->at < length) kept->size = (size_t)(length - kept->at);
        if (kept->at >= length) {
            *link = kept->next;
            free(kept);
        } else {
            link = &kept->next;
        }
    }
    if (file) file->last = link;
    pthread_mutex_unlock(&lock);
    return real_ftruncate(fd, length);
}

/* A name that goes takes with it what was kept for its file: the number may come again. */
static void forget(const char *path) {
    struct stat stat_;
    if (stat(path, &stat_) != 0 || stat_.st_nlink > 1) return;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < file_count; i++) {
        if (files[i].device != stat_.st_dev || files[i].inode != stat_.st_ino) continue;
        while (files[i].first) {
            struct pending *kept = files[i].first;
            files[i].first = kept->next;
            free(kept);
        }
        files[i] = files[--file_count];
        if (!files[i].first) files[i].last = &files[i].first;
        break;
    }
    pthread_mutex_unlock(&lock);
}

int unlink(const char *path) {
    forget(path);
    return real_unlink(path);
}

int rename(const char *from, const char *to) {
    forget(to);
    return real_rename(from, to);
}
