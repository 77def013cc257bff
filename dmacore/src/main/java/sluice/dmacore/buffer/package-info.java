/**
 * Buffers that devices share: who exports them, who is attached, where each function finds them, and whose turn it is. The
 * four calls that R. King asked for (2013-06-18, "[RFC PATCH v2] dmabuf-sync") are four calls here: get the segments, map, sync,
 * unmap.
 *
 * <p>An importer gets device addresses and lengths, and nothing that leads to pages. Fences may not enter: synchronisation is
 * a problem of its own (row S34).
 */
@NullMarked
package sluice.dmacore.buffer;

import org.jspecify.annotations.NullMarked;
