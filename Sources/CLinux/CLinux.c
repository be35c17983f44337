// SPDX-License-Identifier: Apache-2.0
// The headers hold everything as static inline functions; SwiftPM wants one translation unit.
#include "ctr_errno.h"
#include "ctr_bpf.h"
#include "ctr_clone3.h"
#include "ctr_mount.h"
#include "ctr_openat2.h"
#include "ctr_process.h"
#include "ctr_xattr.h"
#include "ctr_filesystem.h"
#include "ctr_storage.h"
#include "ctr_socket.h"
