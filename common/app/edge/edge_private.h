/* SPDX-License-Identifier: MIT
 *
 * edge_private.h - what cmake/edge.cmake makes for edge.c.
 */
#ifndef APP_EDGE_PRIVATE_H
#define APP_EDGE_PRIVATE_H

extern const char edge_template[]; /* nginx/ordergate.conf.in */

#endif
