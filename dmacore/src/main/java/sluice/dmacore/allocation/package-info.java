/**
 * Where to put a buffer that several devices are to share: what programs of user space have to guess.
 *
 * <p>Knows devices by their parameters, and exporters by what they give. No device may know this room, and nothing in the core
 * needs it.
 */
@NullMarked
package sluice.dmacore.allocation;

import org.jspecify.annotations.NullMarked;
