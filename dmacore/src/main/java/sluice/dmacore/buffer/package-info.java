/**
 * Buffers shared by devices: exporters, attachments, the segments of each function, and ownership. Getting the
 * segments, mapping, syncing and unmapping are separate calls (Russell King, 18 June 2013, "Re: [RFC PATCH v2]
 * dmabuf-sync: Introduce buffer synchronization framework").
 *
 * <p>An importer gets device addresses and lengths, never pages. Must not use fences: synchronisation is a separate
 * problem (row S34).
 */
@NullMarked
package sluice.dmacore.buffer;

import org.jspecify.annotations.NullMarked;
