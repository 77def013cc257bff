/**
 * Where buffers get their memory: pages that a guest has listed, memory of our own, memory of a device, a descriptor from
 * elsewhere. Nobody here knows who attaches.
 */
@NullMarked
package sluice.dmacore.exporter;

import org.jspecify.annotations.NullMarked;
