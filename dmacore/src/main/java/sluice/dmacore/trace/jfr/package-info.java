/**
 * The same events for JDK Flight Recorder, together with garbage collections and locks. Uses {@code jdk.jfr} but no
 * files.
 */
@NullMarked
package sluice.dmacore.trace.jfr;

import org.jspecify.annotations.NullMarked;
