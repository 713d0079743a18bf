"""The pages of the app, one file each; run by Streamlit, not imported."""
