/**
 * What barriers promise, tried by two processors at once: reader epochs, the cache of translations, and the decisions of a
 * ring whether the other end must be woken. Each test fails when its barrier is left out. Nothing else may enter.
 */
@NullMarked
package sluice.litmus;

import org.jspecify.annotations.NullMarked;
