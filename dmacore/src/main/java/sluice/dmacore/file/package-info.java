/**
 * Files that a process leaves to its user: pictures, statistics.
 *
 * <p>How they are written, and nothing of what is in them.
 */
@NullMarked
package sluice.dmacore.file;

import org.jspecify.annotations.NullMarked;
