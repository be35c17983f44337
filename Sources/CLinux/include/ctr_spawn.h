// SPDX-License-Identifier: Apache-2.0
// Why it exists: glibc shows these file actions only to _GNU_SOURCE, which Swift's Glibc module is built without.
// glibc 2.34 and 2.35. posix_spawn_file_actions_addclosefrom_np(3), posix_spawn_file_actions_addtcsetpgrp_np(3).
#pragma once
#include <spawn.h>

enum { CTR_SPAWN_SETSID = 0x80 };

static inline int ctr_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
/// The child's process group becomes the terminal's foreground group.
static inline int ctr_spawn_foreground(posix_spawn_file_actions_t *actions, int terminal) {
    extern int posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t *, int);
    return posix_spawn_file_actions_addtcsetpgrp_np(actions, terminal);
}
