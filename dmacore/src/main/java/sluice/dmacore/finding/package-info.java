/**
 * Wrong use of buffers: rules, each with its source, and findings, each with the device, the buffer and the range. A
 * finding does not prevent the operation; the reporting code decides how to respond.
 *
 * <p>A rule must never be violated by correct use.
 */
@NullMarked
package sluice.dmacore.finding;

import org.jspecify.annotations.NullMarked;
