/* SPDX-License-Identifier: MIT
 *
 * openapi.h - services/erp/openapi.json as a text (cmake/openapi.cmake).
 */
#ifndef ERP_OPENAPI_H
#define ERP_OPENAPI_H

extern const char openapi_text[];

#endif
