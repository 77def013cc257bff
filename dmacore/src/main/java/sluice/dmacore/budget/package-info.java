/**
 * Limits of the resources of a process that its devices share: each device has a {@link sluice.dmacore.budget.Share}.
 * Every allocation on request of a guest or its front-end is charged to a share first. Must depend on neither memory
 * nor devices.
 */
@NullMarked
package sluice.dmacore.budget;

import org.jspecify.annotations.NullMarked;
