// SPDX-License-Identifier: Apache-2.0
// The headers hold everything as static inline functions; SwiftPM wants one translation unit.
#include "ctr_errno.h"
