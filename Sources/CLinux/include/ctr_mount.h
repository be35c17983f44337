// SPDX-License-Identifier: Apache-2.0
// Why it exists: the mount API by descriptors came to glibc in 2.36, and its headers clash with the kernel's.
// Kernel 5.2 (fsopen, open_tree, move_mount), 5.12 (mount_setattr). fsopen(2), open_tree(2), move_mount(2), mount_setattr(2).
#pragma once
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CTR_FSCONFIG_SET_FLAG = 0,
    CTR_FSCONFIG_SET_STRING = 1,
    CTR_FSCONFIG_CMD_CREATE = 6,

    CTR_MOVE_MOUNT_F_EMPTY_PATH = 0x4,
    CTR_MOVE_MOUNT_T_EMPTY_PATH = 0x40,

    CTR_AT_EMPTY_PATH = 0x1000,
    CTR_AT_RECURSIVE = 0x8000,
    CTR_OPEN_TREE_CLONE = 1,

    CTR_ATTR_RDONLY = 0x1,
    CTR_ATTR_NOSUID = 0x2,
    CTR_ATTR_NODEV = 0x4,
    CTR_ATTR_NOEXEC = 0x8,
    CTR_ATTR_ATIME_MASK = 0x70,
    CTR_ATTR_RELATIME = 0x0,
    CTR_ATTR_NOATIME = 0x10,
    CTR_ATTR_STRICTATIME = 0x20,
    CTR_ATTR_NODIRATIME = 0x80,
    CTR_ATTR_NOSYMFOLLOW = 0x200000,

    CTR_MS_REC = 0x4000,
    CTR_MS_UNBINDABLE = 1 << 17,
    CTR_MS_PRIVATE = 1 << 18,
    CTR_MS_SLAVE = 1 << 19,
    CTR_MS_SHARED = 1 << 20,
    CTR_MNT_DETACH = 2,
};

struct ctr_mount_attr {
    uint64_t set, clear, propagation, userns;
};

static inline int ctr_fsopen(const char *type) { return (int)syscall(430, type, 1 /* FSOPEN_CLOEXEC */); }
static inline int ctr_fsconfig(int context, unsigned command, const char *key, const char *value) {
    return (int)syscall(431, context, command, key, value, 0);
}
static inline int ctr_fsmount(int context, unsigned attributes) {
    return (int)syscall(432, context, 1 /* FSMOUNT_CLOEXEC */, attributes);
}
static inline int ctr_open_tree(int directory, const char *path, unsigned flags) {
    return (int)syscall(428, directory, path, flags | 02000000 /* OPEN_TREE_CLOEXEC */);
}
/// Moves the mount that `mount` stands for onto the very object that `target` stands for.
static inline int ctr_attach_mount(int mount, int target) {
    return (int)syscall(429, mount, "", target, "", CTR_MOVE_MOUNT_F_EMPTY_PATH | CTR_MOVE_MOUNT_T_EMPTY_PATH);
}
static inline int ctr_mount_setattr(int mount, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation) {
    struct ctr_mount_attr attributes = {.set = set, .clear = clear, .propagation = propagation};
    return (int)syscall(442, mount, "", flags | CTR_AT_EMPTY_PATH, &attributes, sizeof attributes);
}
/// Shows the owners of a mount's files as the user namespace maps them. Kernel 5.12, for detached mounts only.
static inline int ctr_mount_idmap(int mount, unsigned flags, int userns) {
    struct ctr_mount_attr attributes = {.set = 0x100000 /* MOUNT_ATTR_IDMAP */, .userns = (uint64_t)userns};
    return (int)syscall(442, mount, "", flags | CTR_AT_EMPTY_PATH, &attributes, sizeof attributes);
}
static inline int ctr_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *options) {
    return (int)syscall(SYS_mount, source, target, type, flags, options);
}
static inline int ctr_umount2(const char *target, int flags) { return (int)syscall(SYS_umount2, target, flags); }
static inline int ctr_pivot_root(const char *root, const char *old) { return (int)syscall(SYS_pivot_root, root, old); }
