// SPDX-License-Identifier: Apache-2.0
// Why it exists: glibc 2.36 has no quotactl_fd(2), and <linux/fs.h>, where the project ioctls are, can't be imported beside <sys/mount.h>.
// quotactl_fd(2): Linux 5.14; ENOSYS on older ones, on kernels without quota, and for filesystems without it. quotactl(2);
// <linux/quota.h>, <linux/dqblk_xfs.h>; ioctl_xfs_fsgetxattr(2).
#pragma once
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// What `struct if_dqblk` holds: limits of blocks in KiB, of 0 for none; space in bytes.
struct ctr_quota {
    uint64_t block_hard_limit, block_soft_limit, space;
    uint64_t inode_hard_limit, inode_soft_limit, inodes;
    uint64_t block_time, inode_time;
    uint32_t valid;
};

enum {
    CTR_QUOTA_PROJECT_ACCOUNTED = 1 << 4,
    CTR_QUOTA_PROJECT_ENFORCED = 1 << 5,
    CTR_QUOTA_LIMITS = 1 | 4 /* QIF_BLIMITS | QIF_ILIMITS */,
};

/// Which quotas the filesystem of a descriptor keeps: FS_QUOTA_*. Q_XGETQSTATV, which every quota filesystem answers.
static inline int ctr_quota_state(int descriptor, uint32_t *flags) {
    uint64_t state[32];
    memset(state, 0, sizeof state);
    *(int8_t *)state = 1 /* FS_QSTATV_VERSION1 */;
    int result = (int)syscall(443, descriptor, 0x5808U << 8 | 2 /* PRJQUOTA */, 0, state);
    uint16_t found;
    memcpy(&found, (char *)state + 2, sizeof found);
    *flags = found;
    return result;
}
static inline int ctr_quota_get(int descriptor, uint32_t project, struct ctr_quota *quota) {
    memset(quota, 0, sizeof *quota);
    return (int)syscall(443, descriptor, 0x800007U << 8 | 2, project, quota);
}
static inline int ctr_quota_set(int descriptor, uint32_t project, const struct ctr_quota *quota) {
    return (int)syscall(443, descriptor, 0x800008U << 8 | 2, project, quota);
}

/// Makes a directory, and what will be made in it, part of a project. FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR; FS_XFLAG_PROJINHERIT.
static inline int ctr_project_assign(int directory, uint32_t project) {
    struct { uint32_t flags, extent_size, extents, project, copy_extent_size; uint8_t padding[8]; } attributes;
    if (ioctl(directory, 0x801C581FUL, &attributes) == -1) return -1;
    attributes.project = project;
    attributes.flags |= 0x200U;
    return ioctl(directory, 0x401C5820UL, &attributes);
}

/// The calling thread alone: last in line for the processors, and for the disk only when nobody else wants it. setpriority(2), ioprio_set(2).
static inline void ctr_background_thread(void) {
    syscall(SYS_setpriority, 0, 0, 19);
    syscall(SYS_ioprio_set, 1, 0, 3 << 13);
}
