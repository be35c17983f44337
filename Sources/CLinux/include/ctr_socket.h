// SPDX-License-Identifier: Apache-2.0
// Why it exists: the CMSG_ macros are macros, and accept4(2) and `struct ucred` are shown only to _GNU_SOURCE.
// Old everywhere but SO_PEERGROUPS (Linux 4.13). unix(7), cmsg(3), accept4(2).
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    /// At most this many descriptors travel with one message here: a start takes a log, a lock, and namespaces of every kind.
    CTR_DESCRIPTORS_MAX = 16,
    CTR_SO_PEERGROUPS = 59,
};

/// The connection is close-on-exec; it blocks, whatever the listener does.
static inline int ctr_accept(int listener) { return (int)syscall(SYS_accept4, listener, NULL, NULL, 02000000 /* SOCK_CLOEXEC */); }

static inline int ctr_peer_credentials(int connection, int32_t *pid, uint32_t *uid, uint32_t *gid) {
    struct { int32_t pid; uint32_t uid, gid; } peer = {0, ~0U, ~0U};
    socklen_t size = sizeof peer;
    int result = getsockopt(connection, SOL_SOCKET, 17 /* SO_PEERCRED */, &peer, &size);
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return result;
}

static inline ssize_t ctr_send_with(
    int connection, const void *bytes, size_t count, const int *descriptors, int descriptor_count, int flags) {
    union { char bytes[CMSG_SPACE(sizeof(int) * CTR_DESCRIPTORS_MAX)]; struct cmsghdr header; } control;
    struct iovec part = {(void *)bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor_count > 0 && descriptor_count <= CTR_DESCRIPTORS_MAX) {
        size_t size = sizeof(int) * (size_t)descriptor_count;
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(size);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&control.header), descriptors, size);
    }
    return sendmsg(connection, &message, flags | MSG_NOSIGNAL);
}

/// Descriptors that came along are close-on-exec and the caller's to close: `*descriptor_count` of them, also where this
/// returns a message that was cut (`*cut`). -1: none came.
static inline ssize_t ctr_receive_with(
    int connection, void *bytes, size_t capacity, int *descriptors, int *descriptor_count, int *cut, int flags) {
    union { char bytes[CMSG_SPACE(sizeof(int) * CTR_DESCRIPTORS_MAX)]; struct cmsghdr header; } control;
    struct iovec part = {bytes, capacity};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    *descriptor_count = 0;
    *cut = 0;
    ssize_t count = recvmsg(connection, &message, flags | 0x40000000 /* MSG_CMSG_CLOEXEC */);
    if (count < 0) return count;
    *cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t size = header->cmsg_len - CMSG_LEN(0);
        if (size > sizeof(int) * CTR_DESCRIPTORS_MAX) size = sizeof(int) * CTR_DESCRIPTORS_MAX;
        memcpy(descriptors, CMSG_DATA(header), size);
        *descriptor_count = (int)(size / sizeof(int));
    }
    return count;
}
