/**
 * A JUnit 5 extension, in the test jar of this module: a test class annotated with {@link sluice.guest.junit.SluiceMachine} runs against
 * virtual machines with devices of Sluice, one for each kernel, QEMU and IOMMU that the annotation names. Nothing here knows a suite.
 */
@NullMarked
package sluice.guest.junit;

import org.jspecify.annotations.NullMarked;
