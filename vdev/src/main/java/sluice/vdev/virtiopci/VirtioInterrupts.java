package sluice.vdev.virtiopci;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.FunctionContext;
import sluice.vdev.pci.ConfigSpace;

/**
 * Interrupts of the function: by the vector that the driver has assigned to the event, or, while MSI-X is disabled, by
 * the interrupt line and the ISR status register (virtio 1.3 §4.1.4.5, §4.1.5.3, §4.1.5.4).
 */
final class VirtioInterrupts {
    /** VIRTIO_MSI_NO_VECTOR. */
    static final int NO_VECTOR = 0xffff;
    private static final int USED = 1;
    private static final int CONFIGURATION = 2;

    private final ConfigSpace config;
    private final int vectors;
    private @Nullable FunctionContext context;
    private int pending;
    private int configVector = NO_VECTOR;

    VirtioInterrupts(ConfigSpace config, int vectors) {
        this.config = config;
        this.vectors = vectors;
    }

    void connect(@Nullable FunctionContext next) {
        context = next;
    }

    /** The vector set for a request of {@code wanted}: {@code wanted}, or NO_VECTOR if it does not exist. */
    int vector(int wanted) {
        return wanted < vectors ? wanted : NO_VECTOR;
    }

    int configVector() {
        return configVector;
    }

    void setConfigVector(int wanted) {
        configVector = vector(wanted);
    }

    /** A queue has used buffers. */
    void used(int vector) {
        if (config.isMsixEnabled()) {
            signal(vector);
        } else {
            pending |= USED;
            drive();
        }
    }

    /** The device's configuration or state has changed. */
    void configurationChanged() {
        pending |= CONFIGURATION;
        if (config.isMsixEnabled()) signal(configVector);
        drive();
    }

    private void signal(int vector) {
        FunctionContext present = context;
        if (vector != NO_VECTOR && present != null) present.signal(vector);
    }

    /** Reads and clears the ISR status register. */
    int acknowledge() {
        int shown = pending;
        pending = 0;
        drive();
        return shown;
    }

    /** Asserts the line while an interrupt is pending; the host applies the interrupt disable bit. */
    void drive() {
        FunctionContext present = context;
        if (present != null) present.assertInterrupt(pending != 0 && !config.isMsixEnabled());
    }

    void reset() {
        configVector = NO_VECTOR;
        pending = 0;
        drive();
    }
}
