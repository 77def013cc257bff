/**
 * Two laws of sharing buffers, held against programs that are drawn: <em>a program that keeps the rules has no finding that is an
 * error, and right bytes everywhere</em>; <em>any program in which a reader gets wrong bytes has a finding that names the missing or
 * wrong call</em>.
 *
 * <p>What is right is written here from the documents of the DMA API alone (Documentation/core-api/dma-api.rst,
 * dma-api-howto.rst, swiotlb.rst, driver-api/dma-buf.rst): {@link sluice.dmacore.laws.IdealMemory} is memory in which every store
 * is seen by all at once, {@link sluice.dmacore.laws.Rules} is what a program has to keep so that a real machine looks the same.
 * Nothing here knows how the core does it, and nothing of {@code ownership} or {@code model} but their public names may enter.
 */
@NullMarked
package sluice.dmacore.laws;

import org.jspecify.annotations.NullMarked;
