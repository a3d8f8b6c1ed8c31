"""Services that mlpolicy governs without their knowing."""
