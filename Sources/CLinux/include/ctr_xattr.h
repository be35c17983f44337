// SPDX-License-Identifier: Apache-2.0
// Why it exists: <sys/xattr.h> is not part of Swift's Glibc module. xattr(7).
#pragma once
#include <sys/xattr.h>
