/**
 * Sources of a buffer's memory: pages listed by a guest, a memfd pool, device memory, a received descriptor. Must not
 * depend on attachments.
 */
@NullMarked
package sluice.dmacore.exporter;

import org.jspecify.annotations.NullMarked;
