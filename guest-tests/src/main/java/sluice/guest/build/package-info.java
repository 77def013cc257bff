/**
 * What is built on this host for a guest's kernel, and kept in the cache folder under the hash of what it is made from. Virtual
 * machines and images may not enter: what is built here can be loaded on any machine with that kernel.
 */
@NullMarked
package sluice.guest.build;

import org.jspecify.annotations.NullMarked;
