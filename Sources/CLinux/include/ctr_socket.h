// SPDX-License-Identifier: Apache-2.0
// Why it exists: the CMSG_ macros of SCM_RIGHTS, and sockaddr_un's casts. unix(7), cmsg(3).
#pragma once
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { CTR_MAX_DESCRIPTORS = 4 };

/// Fills an address; -1 and ENAMETOOLONG where the path does not fit.
static inline int ctr_unix_address(struct sockaddr_un *address, const char *path) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address->sun_path, path);
    return 0;
}

static inline int ctr_unix_bind(int socket, const char *path) {
    struct sockaddr_un address;
    if (ctr_unix_address(&address, path) == -1) return -1;
    return bind(socket, (struct sockaddr *)&address, sizeof address);
}

static inline int ctr_unix_connect(int socket, const char *path) {
    struct sockaddr_un address;
    if (ctr_unix_address(&address, path) == -1) return -1;
    return connect(socket, (struct sockaddr *)&address, sizeof address);
}

static inline int ctr_socket_pair(int type, int *ends) { return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends); }
static inline int ctr_socket(int type) { return socket(AF_UNIX, type | SOCK_CLOEXEC, 0); }
static inline int ctr_accept(int socket) {
    return (int)syscall(SYS_accept4, socket, NULL, NULL, SOCK_CLOEXEC);
}
static const int CTR_SOCK_SEQPACKET = SOCK_SEQPACKET;
static const int CTR_SOCK_STREAM = SOCK_STREAM;

static inline ssize_t ctr_send(int socket, const void *bytes, size_t count, const int *descriptors, int descriptor_count, int flags) {
    union { char bytes[CMSG_SPACE(sizeof(int) * CTR_MAX_DESCRIPTORS)]; struct cmsghdr header; } control;
    struct iovec part = {(void *)bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(&control.header), descriptors, sizeof(int) * descriptor_count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | flags);
}

/// Receives one message and its descriptors, close-on-exec. A message that did not fit is -1 and EMSGSIZE.
static inline ssize_t ctr_receive(int socket, void *bytes, size_t count, int *descriptors, int *descriptor_count, int flags) {
    union { char bytes[CMSG_SPACE(sizeof(int) * CTR_MAX_DESCRIPTORS)]; struct cmsghdr header; } control;
    struct iovec part = {bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    *descriptor_count = 0;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        *descriptor_count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(descriptors, CMSG_DATA(header), sizeof(int) * *descriptor_count);
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        for (int index = 0; index < *descriptor_count; index++) close(descriptors[index]);
        *descriptor_count = 0;
        errno = EMSGSIZE;
        return -1;
    }
    return received;
}

/// SO_PEERCRED. socket(7).
static inline int ctr_peer_credentials(int socket, int *pid, unsigned *uid, unsigned *gid) {
    struct { int pid; unsigned uid, gid; } credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, 17 /* SO_PEERCRED */, &credentials, &size) == -1) return -1;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
}
