package sluice.iommu.fault;

/**
 * The context of a device's memory access.
 *
 * @param id of the device's context or address space, like a PASID; 0 if there is only one
 * @param queue index of the queue, or -1
 * @param head index of the descriptor chain's head, or -1
 */
public record FaultContext(long id, int queue, int head) {
    public static final FaultContext NONE = new FaultContext(0, -1, -1);

    @Override
    public String toString() {
        return "context %d, queue %d, descriptor %d".formatted(id, queue, head);
    }
}
