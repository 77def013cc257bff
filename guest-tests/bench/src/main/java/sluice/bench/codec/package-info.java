/**
 * What decoding through the codec device costs beside the codec library alone, in one process: {@code sluice bench codec}. The device is
 * driven by a client of its own over vhost-user; both are given the same coded pictures and take turns.
 */
@NullMarked
package sluice.bench.codec;

import org.jspecify.annotations.NullMarked;
