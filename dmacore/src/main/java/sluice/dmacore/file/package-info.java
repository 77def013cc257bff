/**
 * Output files for the user: pictures, statistics.
 *
 * <p>Must not depend on their content.
 */
@NullMarked
package sluice.dmacore.file;

import org.jspecify.annotations.NullMarked;
