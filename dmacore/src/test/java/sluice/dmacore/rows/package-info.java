/**
 * What the README promises: that its first example does what it says, and that each row of its tables has the tests it names.
 *
 * <p>Tests of the core itself stay in the rooms of what they test.
 */
@NullMarked
package sluice.dmacore.rows;

import org.jspecify.annotations.NullMarked;
