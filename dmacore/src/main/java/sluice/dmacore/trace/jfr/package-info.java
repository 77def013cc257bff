/**
 * The same events for JDK Flight Recorder, beside garbage collections and locks of the same moment. Knows {@code jdk.jfr} and
 * nothing of files.
 */
@NullMarked
package sluice.dmacore.trace.jfr;

import org.jspecify.annotations.NullMarked;
