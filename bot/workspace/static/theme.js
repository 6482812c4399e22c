// Sets the chosen theme before the first paint; without a choice the system decides.
document.documentElement.dataset.theme = localStorage.getItem("theme") || "";
