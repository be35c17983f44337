// SPDX-License-Identifier: Apache-2.0
// Why it exists: <sys/epoll.h> and <sys/eventfd.h> are not part of Swift's Glibc module, and epoll_event is packed. epoll(7), eventfd(2).
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>

static inline int ctr_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

/// Watches for something to read, and for the end.
static inline int ctr_epoll_add(int epoll, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = descriptor};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

static inline int ctr_epoll_remove(int epoll, int descriptor) { return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL); }

/// Waits without end; fills `ready` with descriptors.
static inline int ctr_epoll_wait(int epoll, int *ready, int limit) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, limit < 64 ? limit : 64, -1);
    for (int index = 0; index < count; index++) ready[index] = events[index].data.fd;
    return count;
}

static inline int ctr_eventfd(void) { return eventfd(0, EFD_CLOEXEC); }
static inline int ctr_eventfd_signal(int descriptor) { return eventfd_write(descriptor, 1); }
