/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VERSION_H
#define VERSION_H

#define FW_VERSION (0u << 16 | 1u << 8 | 0u) /* major, minor, patch */

#endif
