/**
 * Checks that the first example of the README works, and that each row of ROWS.md has the tests that it lists.
 *
 * <p>Tests of the core itself stay in the rooms of what they test.
 */
@NullMarked
package sluice.dmacore.rows;

import org.jspecify.annotations.NullMarked;
