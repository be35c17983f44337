// SPDX-License-Identifier: Apache-2.0
// Ways of writing what a layer holds, without archive, hashes and checks: what the kernel asks for each.
// usage: writing WAY DIRECTORY     Prints milliseconds of writing, of syncfs(2) after it, and of CPU (one line, three numbers).
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DIRECTORIES = 500, FILES = 200, CHUNK = 1 << 20, CHUNKS = 800, STRETCH = 8 };

static const char *base;
static char bytes[CHUNK];
static const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1700000000}};

static int check(int result, const char *what) {
    if (result == -1) err(1, "%s", what);
    return result;
}

static int open_directory(int number) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d", base, number);
    return check(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
}

enum way { NAMED, UNNAMED, TIMES_LATER };

static void write_file(enum way way, int directory, const char *name, size_t size) {
    int file = way == UNNAMED ? openat(directory, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644)
                              : openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    check(file, name);
    if (size > 0) check((int)pwrite(file, bytes, size, 0), "pwrite");
    if (way != TIMES_LATER) check(futimens(file, times), "futimens");
    struct stat status;
    check(fstat(file, &status), "fstat");
    if (way == UNNAMED) check(linkat(file, "", directory, name, AT_EMPTY_PATH), "linkat");
    close(file);
}

static void write_directory(enum way way, int number, int first, int step) {
    int directory = open_directory(number);
    char name[32];
    for (int file = first; file < FILES; file += step) {
        snprintf(name, sizeof name, "file-%d", file);
        write_file(way, directory, name, (size_t)(file * 7919 % 2001));
    }
    for (int file = first; way == TIMES_LATER && file < FILES; file += step) {
        snprintf(name, sizeof name, "file-%d", file);
        check(utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW), "utimensat");
    }
    close(directory);
}

static void write_all(enum way way) {
    for (int number = 0; number < DIRECTORIES; number++) write_directory(way, number, 0, 1);
}

static void *every_other_directory(void *first) {
    for (int number = *(int *)first; number < DIRECTORIES; number += 2) write_directory(NAMED, number, 0, 1);
    return NULL;
}

static void *every_other_file(void *first) {
    for (int number = 0; number < DIRECTORIES; number++) write_directory(NAMED, number, *(int *)first, 2);
    return NULL;
}

static void in_two(void *(*body)(void *)) {
    pthread_t threads[2];
    int first[2] = {0, 1};
    for (int i = 0; i < 2; i++) if (pthread_create(&threads[i], NULL, body, &first[i]) != 0) errx(1, "pthread_create");
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static atomic_bool done;

static void *sync_again_and_again(void *directory) {
    while (!done) {
        usleep(300000);
        check(syncfs(*(int *)directory), "syncfs");
    }
    return NULL;
}

static int open_large(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", base, name);
    return check(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644), path);
}

static void write_large(int early) {
    int file = open_large("large");
    for (int i = 0; i < CHUNKS; i++) {
        bytes[0] = (char)i;
        check((int)pwrite(file, bytes, CHUNK, (off_t)i * CHUNK), "pwrite");
        if (early && i % STRETCH == STRETCH - 1)
            check(sync_file_range(file, (off_t)(i + 1 - STRETCH) * CHUNK, STRETCH * CHUNK, SYNC_FILE_RANGE_WRITE), "sync_file_range");
    }
    close(file);
}

// As if the archive were inflated into a spool, and files cut out of it: at offsets that are multiples of 512.
static void copy_large(void) {
    int spool = open_large("spool"), file = open_large("large");
    check((int)pwrite(spool, bytes, 512, 0), "pwrite");
    for (int i = 0; i < CHUNKS; i++) {
        bytes[0] = (char)i;
        off_t from = 512 + (off_t)i * CHUNK, to = (off_t)i * CHUNK;
        check((int)pwrite(spool, bytes, CHUNK, from), "pwrite");
        for (ssize_t left = CHUNK, count; left > 0; left -= count) {
            count = copy_file_range(spool, &from, file, &to, (size_t)left, 0);
            if (count <= 0) err(1, "copy_file_range");
        }
        // What has been copied is not written out, as far as that can be had.
        check(fallocate(spool, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, from & ~4095L), "fallocate");
    }
    unlink("spool");
    close(spool);
    close(file);
}

static double milliseconds(struct timespec from, struct timespec to) {
    return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 3) errx(2, "usage: writing WAY DIRECTORY");
    const char *way = argv[1];
    base = argv[2];
    check(mkdir(base, 0755), base);
    int root = check(open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC), base);
    for (int i = 0; i < DIRECTORIES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", i);
        check(mkdirat(root, name, 0755), name);
    }
    check(syncfs(root), "syncfs");

    struct timespec begin, written, synced;
    pthread_t syncer;
    int syncs = strcmp(way, "files-early") == 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (syncs && pthread_create(&syncer, NULL, sync_again_and_again, &root) != 0) errx(1, "pthread_create");
    if (strcmp(way, "files") == 0 || syncs) write_all(NAMED);
    else if (strcmp(way, "files-unnamed") == 0) write_all(UNNAMED);
    else if (strcmp(way, "files-times-later") == 0) write_all(TIMES_LATER);
    else if (strcmp(way, "files-two-directories") == 0) in_two(every_other_directory);
    else if (strcmp(way, "files-one-directory") == 0) in_two(every_other_file);
    else if (strcmp(way, "large") == 0) write_large(0);
    else if (strcmp(way, "large-early") == 0) write_large(1);
    else if (strcmp(way, "large-copied") == 0) copy_large();
    else errx(2, "no way \"%s\"", way);
    clock_gettime(CLOCK_MONOTONIC, &written);
    done = 1;
    if (syncs) pthread_join(syncer, NULL);
    check(syncfs(root), "syncfs");
    clock_gettime(CLOCK_MONOTONIC, &synced);

    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e3 + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3;
    printf("%.1f %.1f %.1f\n", milliseconds(begin, written), milliseconds(written, synced), cpu);
    return 0;
}
