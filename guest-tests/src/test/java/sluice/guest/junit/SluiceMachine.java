package sluice.guest.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ArgumentsSource;

import sluice.guest.GuestIommu;

/**
 * Runs the tests of a class once for each combination of {@link #kernels}, {@link #qemus} and {@link #iommus}, on one virtual machine
 * each, which is given to the constructor as a {@link GuestMachine}. The machine is booted by the first test that uses it, and is closed
 * after the last. What the host lacks fails the test; the message names the script that provides it.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Tag("guest")
@ParameterizedClass(name = "{0}")
@ArgumentsSource(MachineArguments.class)
public @interface SluiceMachine {
    /**
     * The served PCI functions, in the order in which QEMU attaches them, as {@code --device} of {@code ./sluice serve} takes them without
     * {@code socket-path} and {@code stats}: {@code "vfg7350,numbered,bit-rate=24000000,coherency=non-coherent"}.
     */
    String[] devices();

    /** Jars with further devices. */
    String[] plugins() default {};

    /** Kernels: {@code newest}, {@code current}, or the folder of a build tree. */
    String[] kernels() default "newest";

    /** Programs of QEMU, by path; empty: the newest on this host that has {@code vfio-user-pci}. */
    String[] qemus() default "";

    /** The VM's IOMMUs. */
    GuestIommu[] iommus() default GuestIommu.NONE;

    /**
     * Whether the guest's kernel reports its DMA calls, by the module {@code kmod/witness}: only then does a device with {@code
     * coherency=non-coherent} work under an untouched driver.
     */
    boolean witness() default true;

    /**
     * Modules that are loaded at boot, in order, each with its parameters after a blank: {@code "tw686x dma_mode=sg"}. The name of a
     * module of the kernel, or the path of a {@code .ko} file.
     */
    String[] modules() default {};

    /** C programs of {@code guest-tests/guest} that are compiled into the guest: {@code "stream.c"}. */
    String[] compiled() default {};

    /** Programs of this host that are copied into the guest's {@code /bin}, by path, with the libraries they need. */
    String[] programs() default {};

    /** Arguments of the guest's kernel, for example {@code swiotlb=force}. */
    String kernelArguments() default "";
}
