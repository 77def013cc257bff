/**
 * What the devices of one process draw on together, and which a process dies without: each has a {@link
 * sluice.dmacore.budget.Share} of it. Whatever is allocated because a guest or its front-end asks for it takes it out of a share
 * first. Nothing else may enter: this room knows neither memory nor devices.
 */
@NullMarked
package sluice.dmacore.budget;

import org.jspecify.annotations.NullMarked;
