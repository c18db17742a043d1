/* SPDX-License-Identifier: MIT
 *
 * windows1251.h - the Cyrillic code page of older spreadsheets. Pure.
 */
#ifndef CODEC_WINDOWS1251_H
#define CODEC_WINDOWS1251_H

/* The character of a byte from 0x80 on as UTF-8, a constant; NULL for the one
 * that is not used, and for ASCII. */
const char *windows1251_text(unsigned char byte);

#endif
